//! The author of a stand-in: sentences of a small grammar about a topic, with an opinion.

use taskset_rng::Stream;

use crate::manifest::Language;

use super::words::{Grammar, Lexicon, TOPICS, capitalised, grammar};

/// Writes documents of one source.
pub(super) struct Writer {
    grammar: Grammar,
    lexicon: Lexicon,
    /// Cumulated weights 1/(rank + 3), for any class of up to that many words.
    zipf: Vec<u64>,
    /// Whether punctuation is set apart by spaces, as tokenised news is.
    tokenised: bool,
}

/// What a document is about.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    /// Which topic its nouns come from.
    pub(super) topic: usize,
    /// How often a judging word praises; none if it does not judge.
    pub(super) praise: Option<f64>,
}

impl Writer {
    pub(super) fn new(language: Language, tokenised: bool, stream: &mut Stream) -> Self {
        let lexicon = Lexicon::new(language, stream);
        let mut sum = 0;
        let zipf = (0..1000)
            .map(|rank| {
                sum += 1_000_000 / (rank + 3);
                sum
            })
            .collect();
        Self { grammar: grammar(language), lexicon, zipf, tokenised }
    }

    /// A subject with a uniformly drawn topic.
    pub(super) fn subject(&self, praise: Option<f64>, stream: &mut Stream) -> Subject {
        Subject { topic: stream.below(TOPICS as u64) as usize, praise }
    }

    /// A document of some sentences, with line breaks of HTML between paragraphs if `breaks`.
    pub(super) fn document(
        &self,
        subject: Subject,
        sentences: u64,
        breaks: bool,
        stream: &mut Stream,
    ) -> String {
        let mut page = Page { text: String::new(), spaced: self.grammar.spaced, glued: true, capital: true };
        for i in 0..sentences {
            if breaks && i > 0 && stream.bernoulli(0.1) {
                page.text.push_str("<br /><br />");
                page.glued = true;
            }
            self.sentence(subject, &mut page, stream);
        }
        page.text
    }

    /// A title of a few words.
    pub(super) fn heading(&self, subject: Subject, stream: &mut Stream) -> String {
        let mut page = Page { text: String::new(), spaced: self.grammar.spaced, glued: true, capital: true };
        for _ in 0..1 + stream.below(3) {
            let noun = self.noun(subject, stream);
            page.word(&[noun]);
        }
        page.mark(self.grammar.marks[1], false);
        // Lines of up to five characters are not kept of the real source either.
        if page.text.chars().count() > 5 { page.text } else { self.document(subject, 1, false, stream) }
    }

    fn sentence(&self, subject: Subject, page: &mut Page, stream: &mut Stream) {
        page.capital = true;
        self.clause(subject, page, stream);
        // Sentences of the news are longer.
        while stream.bernoulli(if self.tokenised { 0.6 } else { 0.3 }) {
            page.mark(self.grammar.marks[0], self.tokenised);
            self.function(self.grammar.conjunctions, page, stream);
            self.clause(subject, page, stream);
        }
        if stream.bernoulli(0.06) {
            let year = (1900 + stream.below(120)).to_string();
            if self.tokenised {
                page.word(&["(", " ", &year, " ", ")"]);
            } else {
                page.word(&["(", &year, ")"]);
            }
        }
        let end = match stream.below(20) {
            0 => "!",
            1 => "?",
            _ => self.grammar.marks[1],
        };
        page.mark(end, self.tokenised);
    }

    fn clause(&self, subject: Subject, page: &mut Page, stream: &mut Stream) {
        let noun = if stream.bernoulli(0.25) {
            self.function(self.grammar.pronouns, page, stream);
            None
        } else {
            Some(self.noun_phrase(subject, page, stream))
        };
        if stream.bernoulli(0.4) {
            self.function(self.grammar.copulas, page, stream);
            if stream.bernoulli(0.3) {
                page.word(&[self.draw(&self.lexicon.adverbs, stream)]);
            }
            self.adjective(subject, noun, page, stream);
        } else {
            // What is done depends on who does it.
            let verb = self.tied(&self.lexicon.verbs, noun, stream);
            let ending = uniform(self.grammar.verb_endings, stream);
            page.word(&[verb, ending]);
            self.noun_phrase(subject, page, stream);
        }
        if stream.bernoulli(0.35) {
            self.function(self.grammar.prepositions, page, stream);
            self.noun_phrase(subject, page, stream);
        }
    }

    /// Returns the noun, to which verb and adjectives are tied.
    fn noun_phrase<'a>(&'a self, subject: Subject, page: &mut Page, stream: &mut Stream) -> &'a str {
        if stream.bernoulli(0.12) {
            let name = self.draw(&self.lexicon.names, stream);
            page.word(&[name]);
            return name;
        }
        self.function(self.grammar.determiners, page, stream);
        let noun = self.noun(subject, stream);
        if stream.bernoulli(0.35) {
            self.adjective(subject, Some(noun), page, stream);
        }
        page.word(&[noun, uniform(self.grammar.noun_endings, stream)]);
        noun
    }

    fn noun<'a>(&'a self, subject: Subject, stream: &mut Stream) -> &'a str {
        let topical = stream.bernoulli(0.6);
        self.draw(
            if topical { &self.lexicon.topic_nouns[subject.topic] } else { &self.lexicon.nouns },
            stream,
        )
    }

    fn adjective(&self, subject: Subject, noun: Option<&str>, page: &mut Page, stream: &mut Stream) {
        let word = match subject.praise.filter(|_| stream.bernoulli(0.5)) {
            Some(praise) if stream.bernoulli(praise) => self.draw(&self.lexicon.positive, stream),
            Some(_) => self.draw(&self.lexicon.negative, stream),
            None => self.tied(&self.lexicon.adjectives, noun, stream),
        };
        page.word(&[word]);
    }

    /// More often than not one of three words that go with a noun, otherwise any.
    fn tied<'a>(&self, words: &'a [String], noun: Option<&str>, stream: &mut Stream) -> &'a str {
        match noun.filter(|_| stream.bernoulli(0.6)) {
            Some(noun) => {
                let key = noun.bytes().fold(0, |key: usize, byte| (key * 31 + usize::from(byte)) % 65_521);
                &words[(key + stream.below(3) as usize) % words.len()]
            }
            None => self.draw(words, stream),
        }
    }

    fn function(&self, words: &[&'static str], page: &mut Page, stream: &mut Stream) {
        let total = self.zipf[words.len() - 1];
        let at = stream.below(total);
        page.word(&[words[self.zipf.partition_point(|&sum| sum <= at)]]);
    }

    /// A word by Zipf's law.
    fn draw<'a>(&self, words: &'a [String], stream: &mut Stream) -> &'a str {
        let at = stream.below(self.zipf[words.len() - 1]);
        &words[self.zipf.partition_point(|&sum| sum <= at)]
    }
}

fn uniform(words: &[&'static str], stream: &mut Stream) -> &'static str {
    words[stream.below(words.len() as u64) as usize]
}

/// What is being written.
struct Page {
    text: String,
    /// Whether words are set apart by spaces.
    spaced: bool,
    /// Whether the next word follows without a space all the same.
    glued: bool,
    /// Whether the next word begins a sentence.
    capital: bool,
}

impl Page {
    fn word(&mut self, parts: &[&str]) {
        if !std::mem::replace(&mut self.glued, false) && self.spaced {
            self.text.push(' ');
        }
        if std::mem::replace(&mut self.capital, false) {
            self.text.push_str(&capitalised(parts[0]));
        } else {
            self.text.push_str(parts[0]);
        }
        parts[1..].iter().for_each(|part| self.text.push_str(part));
    }

    fn mark(&mut self, mark: &str, apart: bool) {
        if apart {
            self.text.push(' ');
        }
        self.text.push_str(mark);
    }
}
