//! The invented words of a stand-in: script, inflection and function words of a language.

use std::collections::BTreeSet;

use taskset_rng::Stream;

use crate::manifest::Language;

/// Number of topics; each document has one.
pub(super) const TOPICS: usize = 10;

/// Closed word classes and endings of a language, each class from frequent to rare.
pub(super) struct Grammar {
    pub(super) determiners: &'static [&'static str],
    pub(super) prepositions: &'static [&'static str],
    pub(super) conjunctions: &'static [&'static str],
    pub(super) copulas: &'static [&'static str],
    pub(super) pronouns: &'static [&'static str],
    pub(super) noun_endings: &'static [&'static str],
    pub(super) verb_endings: &'static [&'static str],
    /// Comma and full stop.
    pub(super) marks: [&'static str; 2],
    /// Whether words are written with spaces between them.
    pub(super) spaced: bool,
}

/// The grammar of a language.
pub(super) fn grammar(language: Language) -> Grammar {
    match language {
        Language::English => Grammar {
            determiners: &["the", "a", "this", "his", "that", "every", "some", "no"],
            prepositions: &["of", "in", "to", "with", "for", "on", "from", "about", "after", "without"],
            conjunctions: &["and", "but", "because", "while", "although", "or"],
            copulas: &["is", "was", "seems", "became"],
            pronouns: &["it", "I", "he", "they", "we", "she", "you"],
            noun_endings: &["", "", "s"],
            verb_endings: &["ed", "s", "", "ing"],
            marks: [",", "."],
            spaced: true,
        },
        Language::Sorbian => Grammar {
            determiners: &["tón", "ta", "tute", "jeho", "kóždy", "žadyn"],
            prepositions: &["w", "na", "z", "do", "po", "při", "wot", "pola"],
            conjunctions: &["a", "ale", "dokelž", "zo", "abo"],
            copulas: &["je", "bě", "běše", "su"],
            pronouns: &["wón", "wona", "to", "mój", "ja", "wy"],
            noun_endings: &["", "a", "y", "ow"],
            verb_endings: &["ć", "je", "ł", "ěše"],
            marks: [",", "."],
            spaced: true,
        },
        Language::Russian => Grammar {
            determiners: &["этот", "тот", "каждый", "его", "весь", "другой"],
            prepositions: &["в", "на", "с", "из", "по", "для", "после", "без"],
            conjunctions: &["и", "но", "что", "потому", "или"],
            copulas: &["был", "есть", "стал", "является"],
            pronouns: &["он", "она", "это", "они", "я", "мы"],
            noun_endings: &["", "а", "ы", "ов", "ом"],
            verb_endings: &["ть", "л", "ет", "ли"],
            marks: [",", "."],
            spaced: true,
        },
        Language::Japanese => Grammar {
            determiners: &["この", "その", "ある", "各", "同じ"],
            prepositions: &["の", "に", "で", "から", "まで", "と"],
            conjunctions: &["そして", "また", "しかし", "ので"],
            copulas: &["は", "が", "も"],
            pronouns: &["これ", "彼", "私", "それ"],
            noun_endings: &["を", "は", "が", ""],
            verb_endings: &["した", "する", "している", "された"],
            marks: ["、", "。"],
            spaced: false,
        },
        Language::Chinese => Grammar {
            determiners: &["这", "该", "一个", "其", "每个", "那"],
            prepositions: &["在", "于", "从", "对", "为", "以"],
            conjunctions: &["和", "但", "因为", "而", "或"],
            copulas: &["是", "为", "成为"],
            pronouns: &["他", "它", "我", "她们"],
            noun_endings: &["", "", "的"],
            verb_endings: &["了", "", "着"],
            marks: ["，", "。"],
            spaced: false,
        },
    }
}

/// The open word classes of a stand-in. Earlier words of a class are more frequent.
pub(super) struct Lexicon {
    pub(super) nouns: Vec<String>,
    pub(super) topic_nouns: [Vec<String>; TOPICS],
    pub(super) verbs: Vec<String>,
    pub(super) adjectives: Vec<String>,
    pub(super) adverbs: Vec<String>,
    /// Words that praise; frequent in reviews of a high label.
    pub(super) positive: Vec<String>,
    /// Words that blame.
    pub(super) negative: Vec<String>,
    /// Proper names; capitalised where the script can.
    pub(super) names: Vec<String>,
}

impl Lexicon {
    pub(super) fn new(language: Language, stream: &mut Stream) -> Self {
        let mut makers = Makers { language, seen: BTreeSet::new() };
        let mut class = |count: usize, parts: (u64, u64)| makers.words(count, parts, stream);
        let mut lexicon = Self {
            positive: class(60, (1, 3)),
            negative: class(60, (1, 3)),
            adverbs: class(80, (2, 3)),
            nouns: class(500, (1, 3)),
            verbs: class(600, (1, 2)),
            adjectives: class(500, (1, 3)),
            topic_nouns: std::array::from_fn(|_| class(220, (1, 4))),
            names: class(900, (1, 3)),
        };
        for name in &mut lexicon.names {
            *name = capitalised(name);
        }
        lexicon
    }
}

/// A word with its first letter in upper case; unchanged in scripts without cases.
pub(super) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// Makes words, none twice.
struct Makers {
    language: Language,
    seen: BTreeSet<String>,
}

impl Makers {
    /// `count` new words of between `least` and `most` syllables or characters.
    fn words(&mut self, count: usize, (least, most): (u64, u64), stream: &mut Stream) -> Vec<String> {
        let mut words = Vec::with_capacity(count);
        while words.len() < count {
            // Words get longer as the short ones are used up.
            let parts = least + stream.below(most - least + 1) + u64::from(stream.bernoulli(0.1));
            let word = match self.language {
                Language::English => spelt(&ENGLISH, parts, stream),
                Language::Sorbian => spelt(&SORBIAN, parts, stream),
                Language::Russian => spelt(&RUSSIAN, parts, stream),
                Language::Chinese => (0..parts.min(3)).map(|_| han(stream)).collect(),
                Language::Japanese if stream.bernoulli(0.35) => {
                    // Katakana from ア to ワ.
                    (0..parts + 1)
                        .filter_map(|_| char::from_u32(0x30a2 + stream.below(0x4e) as u32))
                        .collect()
                }
                Language::Japanese => (0..parts.min(2)).map(|_| han(stream)).collect(),
            };
            if word.chars().count() > 1 && self.seen.insert(word.clone()) {
                words.push(word);
            }
        }
        words
    }
}

/// One of 900 Han characters, early ones more often.
fn han(stream: &mut Stream) -> char {
    let rank = stream.below(900).min(stream.below(900)) as u32;
    // Spread over the block from 一 to 龥; the factor has no divisor in common with its size.
    char::from_u32(0x4e00 + rank * 7919 % 20_902).unwrap_or('一')
}

/// Onsets, vowels and codas of syllables; what stands more often is more frequent.
struct Spelling {
    onsets: &'static [&'static str],
    vowels: &'static [&'static str],
    codas: &'static [&'static str],
}

const ENGLISH: Spelling = Spelling {
    onsets: &[
        "t", "s", "r", "m", "l", "c", "p", "b", "d", "f", "h", "st", "pr", "ch", "w", "g", "tr", "sh", "v",
        "qu",
    ],
    vowels: &["e", "a", "i", "o", "e", "a", "u", "ea", "ou", "y"],
    codas: &["", "n", "r", "", "t", "s", "l", "", "nd", "m", "ck", "st"],
};

const SORBIAN: Spelling = Spelling {
    onsets: &[
        "p", "k", "s", "w", "m", "n", "r", "d", "b", "č", "ž", "š", "h", "ł", "ć", "př", "dź", "kr", "st",
    ],
    vowels: &["a", "o", "e", "i", "ě", "y", "u", "ó"],
    codas: &["", "", "", "n", "k", "s", "ń", "r"],
};

const RUSSIAN: Spelling = Spelling {
    onsets: &[
        "п", "к", "с", "в", "м", "н", "р", "д", "т", "л", "г", "ст", "пр", "б", "з", "ч", "ш", "ж", "х", "кр",
    ],
    vowels: &["о", "а", "е", "и", "о", "у", "я", "ы", "ю"],
    codas: &["", "", "н", "р", "", "в", "т", "й", "ль"],
};

fn spelt(spelling: &Spelling, syllables: u64, stream: &mut Stream) -> String {
    let mut pick = |list: &[&'static str]| list[stream.below(list.len() as u64) as usize];
    (0..syllables)
        .map(|_| [pick(spelling.onsets), pick(spelling.vowels), pick(spelling.codas)].concat())
        .collect()
}
