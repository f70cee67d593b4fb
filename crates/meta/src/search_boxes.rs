//! Search spaces narrowed by hindsight: the box around the best configurations of each task (Figure 3).

use taskset_normalize::quantile;

use crate::{Error, ScoreMatrix};

/// The numeric hyperparameters of the configurations of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperparameterTable {
    names: Vec<String>,
    log: Vec<bool>,
    values: Vec<Vec<f64>>,
}

impl HyperparameterTable {
    /// A table with `values[config][dimension]`, rows in the order of the matrix; `log` says which dimensions were sampled
    /// on a logarithmic scale.
    ///
    /// # Errors
    /// [`Error::Size`] if a row or `log` does not have one entry per name, [`Error::Hyperparameter`] for a value that is not finite
    /// or not positive on a logarithmic scale.
    pub fn new(names: Vec<String>, log: Vec<bool>, values: Vec<Vec<f64>>) -> Result<Self, Error> {
        let expected = names.len();
        if log.len() != expected {
            return Err(Error::Size { what: "scales of hyperparameters", found: log.len(), expected });
        }
        for (config, row) in values.iter().enumerate() {
            if row.len() != expected {
                return Err(Error::Size {
                    what: "hyperparameters of a configuration",
                    found: row.len(),
                    expected,
                });
            }
            for ((&value, &log), name) in row.iter().zip(&log).zip(&names) {
                if !value.is_finite() || (log && value <= 0.0) {
                    let (scale, needs) = if log { ("logarithmic", "positive") } else { ("linear", "finite") };
                    return Err(Error::Hyperparameter { name: name.clone(), config, value, scale, needs });
                }
            }
        }
        Ok(Self { names, log, values })
    }

    /// Names of the dimensions.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which dimensions have a logarithmic scale.
    pub fn log(&self) -> &[bool] {
        &self.log
    }

    /// Values of each configuration.
    pub fn values(&self) -> &[Vec<f64>] {
        &self.values
    }
}

/// A range for every hyperparameter, both ends included.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchBox {
    /// Lower ends, in the order of the table.
    pub lo: Vec<f64>,
    /// Upper ends.
    pub hi: Vec<f64>,
}

/// The box between two quantiles of each hyperparameter over the best configurations (by validation) of the tasks. A
/// configuration that is best on several tasks counts as often. Quantiles `(0, 1)` give the paper's min–max box, `(0.05,
/// 0.95)` its percentile box; they interpolate on the scale of the dimension.
///
/// # Errors
/// [`Error::Size`] if the table does not have one row per configuration of the matrix.
///
/// # Panics
/// If a task is not in the matrix.
pub fn constrained_box(
    matrix: &ScoreMatrix,
    table: &HyperparameterTable,
    tasks: &[usize],
    lower_q: f64,
    upper_q: f64,
) -> Result<SearchBox, Error> {
    check_rows(matrix, table)?;
    let best: Vec<usize> = tasks.iter().filter_map(|&task| matrix.best_config(task)).collect();
    let end = |q: f64| -> Vec<f64> {
        (0..table.names.len())
            .map(|d| {
                let values: Vec<f64> = best.iter().map(|&config| table.values[config][d]).collect();
                quantile_on_scale(&values, q, table.log[d])
            })
            .collect()
    };
    Ok(SearchBox { lo: end(lower_q), hi: end(upper_q) })
}

pub(crate) fn check_rows(matrix: &ScoreMatrix, table: &HyperparameterTable) -> Result<(), Error> {
    let (found, expected) = (table.values.len(), matrix.configs().len());
    if found == expected {
        return Ok(());
    }
    Err(Error::Size { what: "configurations of the hyperparameter table", found, expected })
}

fn quantile_on_scale(values: &[f64], q: f64, log: bool) -> f64 {
    if !log {
        return quantile(values, q);
    }
    let on_scale: Vec<f64> = values.iter().map(|&v| libm::log(v)).collect();
    let result = quantile(&on_scale, q);
    // A quantile that is one of the values is given back as it was: `exp(ln v)` can miss `v`, and the box its own ends.
    let same = on_scale.iter().position(|v| v.total_cmp(&result).is_eq());
    same.map_or(libm::exp(result), |i| values[i])
}

/// The configurations of the table inside a box, in order.
pub fn inside(search_box: &SearchBox, table: &HyperparameterTable) -> Vec<usize> {
    let contains = |row: &[f64]| {
        row.iter().zip(search_box.lo.iter().zip(&search_box.hi)).all(|(v, (lo, hi))| lo <= v && v <= hi)
    };
    (0..table.values.len()).filter(|&config| contains(&table.values[config])).collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "ends of a box are values of the table")]
mod tests {
    use super::*;
    use crate::testing::matrix;
    use proptest::prelude::*;

    fn table(log: &[bool], values: &[&[f64]]) -> Result<HyperparameterTable, Error> {
        let names = (0..log.len()).map(|d| format!("h{d}")).collect();
        HyperparameterTable::new(names, log.to_vec(), values.iter().map(|row| row.to_vec()).collect())
    }

    #[test]
    fn boxes_by_hand() {
        // Best configurations: 0, 0, 1, 2 (the last by a tie with 3).
        let m = matrix(&[&[0., 1., 1., 1.], &[0., 1., 1., 1.], &[1., 0., 1., 1.], &[1., 1., 0., 0.]]);
        let t = table(&[true, false], &[&[1e-3, 0.0], &[1e-1, 4.0], &[1e-2, 8.0], &[1e-2, 9.0]]).unwrap();
        let whole = constrained_box(&m, &t, &[0, 1, 2, 3], 0.0, 1.0).unwrap();
        assert_eq!((whole.lo.as_slice(), whole.hi.as_slice()), (&[1e-3, 0.0][..], &[1e-1, 8.0][..]));
        assert_eq!(inside(&whole, &t), [0, 1, 2]);
        // Of (0, 0, 4, 8) the median is 2; of (-3, -3, -2, -1) in decades it is -2.5.
        let median = constrained_box(&m, &t, &[0, 1, 2, 3], 0.5, 0.5).unwrap();
        assert!((median.lo[0].log10() + 2.5).abs() < 1e-12 && median.lo[1] == 2.0);
        assert!(inside(&median, &t).is_empty());
    }

    #[test]
    fn a_table_gives_back_what_it_was_made_of() {
        let t = table(&[true, false], &[&[1e-3, 0.0], &[1e-1, 4.0]]).unwrap();
        assert_eq!((t.names(), t.log()), (&["h0".to_owned(), "h1".to_owned()][..], &[true, false][..]));
        assert_eq!(t.values(), [[1e-3, 0.0], [1e-1, 4.0]]);
    }

    #[test]
    fn broken_tables_are_refused() {
        let check = |result: Result<HyperparameterTable, Error>, words: &str| {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        check(table(&[true], &[&[0.0]]), "`h0` of configuration 0 is 0; a logarithmic scale");
        check(table(&[false], &[&[1.0], &[f64::NAN]]), "configuration 1");
        check(table(&[false], &[&[1.0, 2.0]]), "2 where 1");
        let m = matrix(&[&[0.0, 1.0]]);
        assert!(constrained_box(&m, &table(&[false], &[&[1.0]]).unwrap(), &[0], 0.0, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn a_min_max_box_holds_every_best_and_a_percentile_box_lies_in_it(
            scores in proptest::collection::vec(0.0f64..1.0, 60), values in proptest::collection::vec(1e-9f64..10.0, 24),
        ) {
            let m = matrix(&scores.chunks(12).collect::<Vec<_>>());
            let t = table(&[true, false], &values.chunks(2).collect::<Vec<_>>()).unwrap();
            let tasks = [0, 1, 2, 3, 4];
            let wide = inside(&constrained_box(&m, &t, &tasks, 0.0, 1.0).unwrap(), &t);
            for task in tasks {
                prop_assert!(wide.contains(&m.best_config(task).unwrap()));
            }
            let narrow = inside(&constrained_box(&m, &t, &tasks, 0.05, 0.95).unwrap(), &t);
            prop_assert!(narrow.iter().all(|c| wide.contains(c)));
        }
    }
}
