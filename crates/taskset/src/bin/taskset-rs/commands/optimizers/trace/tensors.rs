//! The tensors of a problem file: nested lists of numbers, their layout, and places in them.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use taskset::tasks::{Layout, Role, Tensor};

/// Numbers for all parameters: one flat list, or an object of named tensors.
pub(super) enum Numbers {
    Flat(Vec<f64>),
    Named(Object<Nested>),
}

/// An object whose entries stand in the order of the file, none of them twice.
pub(super) struct Object<T>(pub(super) Vec<(String, T)>);

/// A number or rectangular nested lists of numbers.
pub(super) struct Nested {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// What `tensors` says of one tensor.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `role`, `axes` or both")]
pub(super) struct Description {
    #[serde(default, deserialize_with = "super::given")]
    role: Option<String>,
    #[serde(default, deserialize_with = "super::given")]
    axes: Option<Axes>,
}

/// Words for the axes of a tensor.
struct Axes(Vec<String>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                entries(map).map(Object)
            }
        }
        deserializer.deserialize_any(Entries(std::marker::PhantomData))
    }
}

/// The entries of an object, in order.
fn entries<'de, T: Deserialize<'de>, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(String, T)>, A::Error> {
    let mut entries: Vec<(String, T)> = Vec::new();
    while let Some((name, value)) = map.next_entry::<String, T>()? {
        if entries.iter().any(|(known, _)| *known == name) {
            return Err(de::Error::custom(format!("`{name}` is given twice")));
        }
        entries.push((name, value));
    }
    Ok(entries)
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers or an object of tensors")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Numbers::Flat(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Numbers, A::Error> {
                entries(map).map(Object).map(Numbers::Named)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lists;
        impl<'de> Visitor<'de> for Lists {
            type Value = Nested;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or nested lists of numbers")
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Nested, E> {
                Ok(Nested { shape: Vec::new(), values: vec![value] })
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Nested, E> {
                self.visit_f64(value as f64)
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Nested, E> {
                self.visit_f64(value as f64)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Nested, A::Error> {
                let mut inner: Option<Vec<usize>> = None;
                let (mut values, mut count) = (Vec::new(), 0);
                while let Some(entry) = list.next_element::<Nested>()? {
                    let inner = inner.get_or_insert_with(|| entry.shape.clone());
                    if *inner != entry.shape {
                        return Err(de::Error::custom(format!(
                            "entry {count} has the shape {:?}, and those before it {inner:?}; nested lists must be rectangular",
                            entry.shape
                        )));
                    }
                    values.extend(entry.values);
                    count += 1;
                }
                let shape = std::iter::once(count).chain(inner.into_iter().flatten()).collect();
                Ok(Nested { shape, values })
            }
        }
        deserializer.deserialize_any(Lists)
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Axes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word for each axis, such as \"out, in\" or [\"out\", \"in\"]")
            }

            fn visit_str<E>(self, text: &str) -> Result<Axes, E> {
                let text = text.trim().trim_start_matches('[').trim_end_matches(']');
                let words = text.split([',', ' ']).filter(|word| !word.is_empty());
                Ok(Axes(words.map(str::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Axes, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(Axes(words))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl Axes {
    /// The axis of the outputs. Tensors of fewer than two axes have none, but may say it.
    fn output(&self, shape: &[usize]) -> anyhow::Result<usize> {
        let Self(words) = self;
        anyhow::ensure!(
            words.len() == shape.len(),
            "there are {} words ({}) for a tensor of shape {shape:?}; give one for each axis",
            words.len(),
            words.join(", ")
        );
        let is_output =
            |word: &String| ["out", "output", "outputs"].contains(&word.trim().to_lowercase().as_str());
        let marked: Vec<usize> = (0..words.len()).filter(|&axis| is_output(&words[axis])).collect();
        match marked[..] {
            [axis] => Ok(axis),
            [] if shape.len() < 2 => Ok(0),
            _ => anyhow::bail!(
                "`{}` marks {} axes as `out`; exactly one axis has the outputs, as in `out, in`",
                words.join(", "),
                marked.len()
            ),
        }
    }
}

/// The parameters of a problem.
pub(super) struct Parameters {
    pub(super) layout: Arc<Layout>,
    pub(super) values: Vec<f64>,
    /// Whether they were given as an object of tensors.
    pub(super) named: bool,
}

impl Parameters {
    /// Parameters with the roles and axes of `descriptions`; what these do not say follows from the shapes.
    pub(super) fn new(given: Numbers, descriptions: Object<Description>) -> anyhow::Result<Self> {
        let Object(mut descriptions) = descriptions;
        let tensors = match given {
            Numbers::Flat(values) => {
                anyhow::ensure!(
                    descriptions.is_empty(),
                    "tensors: `initial_params` is a flat list; give it as an object, {{\"name\": nested lists}}, or leave out \
                     `tensors`"
                );
                return Ok(Self { layout: Arc::new(Layout::flat(values.len())), values, named: false });
            }
            Numbers::Named(Object(tensors)) => tensors,
        };
        let mut layout = Layout::default();
        let mut all = Vec::new();
        for (name, Nested { shape, values }) in tensors {
            let place = descriptions.iter().position(|(known, _)| *known == name);
            let description = place.map(|place| descriptions.remove(place).1);
            let (role, axes) = description.map_or((None, None), |found| (found.role, found.axes));
            let mut is = Role::by_rank(shape.len());
            if let Some(role) = role {
                is = is.with(&role).map_err(|error| anyhow::anyhow!("tensors.{name}.role: {error}"))?;
            }
            match axes {
                Some(axes) => {
                    let output = axes.output(&shape);
                    let output = output.map_err(|error| anyhow::anyhow!("tensors.{name}.axes: {error}"))?;
                    layout.push_oriented(name, &shape, is, output)
                }
                None => layout.push_as(name, &shape, is),
            };
            all.extend(values);
        }
        if let Some((unknown, _)) = descriptions.first() {
            anyhow::bail!(
                "tensors.{unknown}: there is no tensor `{unknown}` in initial_params{}",
                has(&layout)
            );
        }
        Ok(Self { layout: Arc::new(layout), values: all, named: true })
    }

    /// The numbers of a gradient in the order of the parameters.
    pub(super) fn gradient(&self, step: usize, given: Numbers) -> anyhow::Result<Vec<f64>> {
        let mut tensors = match (given, self.named) {
            // The trace looks at its length.
            (Numbers::Flat(values), false) => return Ok(values),
            (Numbers::Named(Object(tensors)), true) => tensors,
            (Numbers::Flat(_), true) => {
                anyhow::bail!("grads[{step}] is a flat list, and initial_params is an object of tensors")
            }
            (Numbers::Named(_), false) => {
                anyhow::bail!("grads[{step}] is an object of tensors, and initial_params is a flat list")
            }
        };
        let mut values = Vec::with_capacity(self.layout.len());
        for Tensor { name, shape, .. } in self.layout.tensors() {
            let Some(place) = tensors.iter().position(|(given, _)| given == name) else {
                anyhow::bail!("grads[{step}]: the tensor `{name}` of initial_params is missing")
            };
            let found = tensors.swap_remove(place).1;
            anyhow::ensure!(
                found.shape == *shape,
                "grads[{step}].{name} has the shape {:?}, and initial_params.{name} has {shape:?}",
                found.shape
            );
            values.extend(found.values);
        }
        if let Some((unknown, _)) = tensors.first() {
            anyhow::bail!(
                "grads[{step}]: there is no tensor `{unknown}` in initial_params{}",
                has(&self.layout)
            );
        }
        Ok(values)
    }

    /// Where the parameter `index` stands: `[3]` in a flat list, `.W[1][0]` in a tensor.
    pub(super) fn place(&self, index: usize) -> String {
        let tensor = self.layout.tensors().iter().find(|tensor| tensor.range().contains(&index));
        let Some(tensor) = tensor.filter(|_| self.named) else { return format!("[{index}]") };
        let (mut rest, mut axes) = (index - tensor.offset, Vec::new());
        for length in tensor.shape.iter().rev() {
            axes.push(format!("[{}]", rest % length));
            rest /= length;
        }
        axes.reverse();
        format!(".{}{}", tensor.name, axes.concat())
    }
}

/// The tensors of a layout, for messages.
fn has(layout: &Layout) -> String {
    let names: Vec<&str> = layout.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
    if names.is_empty() { ", which is empty".to_owned() } else { format!(", which has {}", names.join(", ")) }
}

/// One number per parameter, written as the problem gives them: a flat list or an object of tensors.
pub(super) struct Row<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) values: &'a [f64],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.parameters.named {
            return self.values.serialize(serializer);
        }
        let tensors = self.parameters.layout.tensors();
        let mut object = serializer.serialize_map(Some(tensors.len()))?;
        for tensor in tensors {
            let lists = Lists { shape: &tensor.shape, values: &self.values[tensor.range()] };
            object.serialize_entry(&tensor.name, &lists)?;
        }
        object.end()
    }
}

/// Nested lists.
struct Lists<'a> {
    shape: &'a [usize],
    values: &'a [f64],
}

impl Serialize for Lists<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.shape {
            // A shape without axes has one number.
            [] => self.values[0].serialize(serializer),
            [count, shape @ ..] => {
                let each = shape.iter().product::<usize>();
                serializer.collect_seq(
                    (0..*count).map(|i| Lists { shape, values: &self.values[i * each..(i + 1) * each] }),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(params: &str, tensors: &str) -> Result<Parameters, String> {
        let params = serde_json::from_str(params).map_err(|error| error.to_string())?;
        let tensors = serde_json::from_str(tensors).map_err(|error| error.to_string())?;
        Parameters::new(params, tensors).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        let check = |text: &str| {
            let found = parameters(text, "{}").unwrap();
            let row = Row { parameters: &found, values: &found.values };
            assert_eq!(serde_json::to_string(&row).unwrap(), text);
        };
        check("[1.0,2.5]");
        check("[]");
        check(r#"{"w":[[1.0,2.0,3.0],[4.0,5.0,6.0]],"b":[0.5],"a":2.0,"none":[[],[]]}"#);
        check("{}");
    }

    #[test]
    fn axes_and_roles_follow_the_words() {
        let check = |tensors: &str, role: &str, output: Option<usize>| {
            let found = parameters(r#"{"k": [[[1], [2]], [[3], [4]]]}"#, tensors).unwrap();
            let tensor = &found.layout.tensors()[0];
            assert_eq!((tensor.role.to_string().as_str(), tensor.output_axis), (role, output), "{tensors}");
        };
        check("{}", "hidden kernel", Some(2));
        check(r#"{"k": {"role": "first"}}"#, "first kernel", Some(2));
        check(r#"{"k": {"role": "last dense", "axes": "[out, in,kw]"}}"#, "last dense", Some(0));
        check(r#"{"k": {"axes": ["in", "Outputs", "x"]}}"#, "hidden kernel", Some(1));
    }

    #[test]
    fn what_does_not_fit_says_where() {
        let check = |params: &str, tensors: &str, words: &str| {
            let message = parameters(params, tensors).err().unwrap();
            assert!(message.contains(words), "{message}");
        };
        check(r#"{"w": [[1], [2, 3]]}"#, "{}", "entry 1 has the shape [2], and those before it [1]");
        check(r#"{"w": [[1], 2]}"#, "{}", "must be rectangular");
        check(r#"{"w": [1], "w": [1]}"#, "{}", "`w` is given twice");
        check("[1]", r#"{"w": {"role": "dense"}}"#, "is a flat list");
        check(r#"{"w": [1]}"#, r#"{"v": {"role": "dense"}}"#, "no tensor `v` in initial_params, which has w");
        check(r#"{"w": [1]}"#, r#"{"w": {"role": "big"}}"#, "tensors.w.role: there is no role `big`");
        check(r#"{"w": [[1]]}"#, r#"{"w": {"axes": "out"}}"#, "tensors.w.axes: there are 1 words (out)");
        check(r#"{"w": [[1]]}"#, r#"{"w": {"axes": "in, in"}}"#, "marks 0 axes as `out`");
        check(r#"{"w": [[1]]}"#, r#"{"w": {"axes": "out, out"}}"#, "marks 2 axes");
        let found = parameters(r#"{"b": [1, 2], "w": [[1, 2, 3], [4, 5, 6]]}"#, "{}").unwrap();
        assert_eq!((found.place(1), found.place(6)), (".b[1]".to_owned(), ".w[1][1]".to_owned()));
    }
}
