//! What is written is read.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use taskset_names::Origin;
use taskset_trial::{
    Arithmetic, Curve, Digest, HyperparameterValue, Hyperparameters, OptimizerIdentity, Source, TaskIdentity,
};

use crate::testing::{curve, metadata, slice_metadata};
use crate::{Error, Metadata, read, write};

fn any_loss() -> impl Strategy<Value = f32> {
    let bits = any::<u32>().prop_map(f32::from_bits);
    prop_oneof![any::<f32>(), Just(f32::NAN), Just(f32::INFINITY), Just(-0.0), bits]
}

fn any_curve() -> impl Strategy<Value = Curve> {
    let losses = proptest::collection::vec(any_loss(), 12);
    let name = || "[a-zé_,\"]{1,80}";
    let optimizer =
        (name(), name(), any::<Option<u64>>(), -1e300..1e300f64, any::<bool>(), any::<Option<u8>>());
    let task = (name(), 0usize..3, any::<Option<[u8; 32]>>(), any::<bool>());
    let rest = (any::<u32>(), any::<u64>(), 0.0..1e9f64, any::<bool>(), 0usize..16);
    (task, optimizer, losses, rest).prop_map(|(task, optimizer, losses, rest)| {
        let (replica, num_params, seconds, portable, absent) = rest;
        let mut c = curve("", "", replica);
        let base = (*c.spec.task).clone();
        c.spec.task = Arc::new(TaskIdentity {
            name: task.0,
            origin: [Origin::Real, Origin::Partial, Origin::Synthetic][task.1],
            data_digest: task.2.map(Digest),
            version: base.version.filter(|_| task.3),
        });
        let (name, family, schedule_steps, number, flag, revision) = optimizer;
        let values = [
            ("x".to_owned(), HyperparameterValue::Number(number)),
            ("flag".to_owned(), HyperparameterValue::Flag(flag)),
            ("text".to_owned(), HyperparameterValue::Text(family.clone())),
        ];
        c.spec.optimizer = Arc::new(OptimizerIdentity {
            name,
            mode: flag.then(|| family.clone()),
            family,
            hyperparameters: Hyperparameters(values.into()),
            schedule_steps,
            revision: revision.map(|r| 1 + u32::from(r)),
        });
        let import = !task.3 && revision.is_none();
        if import {
            c.spec.source = Source::External("elsewhere".into());
        }
        c.spec.arithmetic = if portable { Arithmetic::Portable } else { Arithmetic::Fma };
        for (split, own) in c.losses.iter_mut().enumerate() {
            *own = if import && absent >> split & 1 == 1 {
                Vec::new()
            } else {
                losses[3 * split..3 * split + 3].to_vec()
            };
        }
        c.diverged_at = Some(0);
        (c.num_params, c.train_seconds, c.eval_seconds) = (num_params, seconds, seconds / 3.0);
        c
    })
}

/// Every number of the curves; every NaN in one form.
fn bits(curves: &[Curve]) -> String {
    let form = |loss: &f32| if loss.is_nan() { f32::NAN.to_bits() } else { loss.to_bits() };
    let losses = |c: &Curve| c.losses.each_ref().map(|l| l.iter().map(form).collect::<Vec<_>>());
    let rest = |c: &Curve| Curve { losses: Default::default(), ..c.clone() };
    format!("{:?}", curves.iter().map(|c| (rest(c), losses(c))).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read(curves in proptest::collection::vec(any_curve(), 0..8)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("curves.parquet");
        write(&path, &curves, &metadata()).unwrap();
        let (found, read) = read(&path).unwrap();
        prop_assert_eq!(found, metadata());
        prop_assert_eq!(bits(&read), bits(&curves));
        let again: Vec<_> = read.iter().map(Curve::id).collect();
        prop_assert_eq!(again, curves.iter().map(Curve::id).collect::<Vec<_>>());
    }
}

#[test]
fn many_rows_cross_row_groups() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("curves.parquet");
    let curves: Vec<Curve> = (0..10_000).map(|i| curve(&format!("t{}", i / 100), "o", i % 100)).collect();
    write(&path, &curves, &metadata()).unwrap();
    assert!(read(&path).unwrap().1 == curves);
    assert_eq!(crate::parquet_file::CurveFile::open(&path).unwrap().groups().len(), 2);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn the_same_curves_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |name: &str| {
        let path = dir.path().join(name);
        write(&path, &[curve("t", "o", 0), curve("t", "o", 1)], &metadata()).unwrap();
        std::fs::read(path).unwrap()
    };
    assert!(bytes("a.parquet") == bytes("b.parquet"));
}

#[test]
fn curves_that_do_not_fit_are_neither_written_nor_left_half() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("curves.parquet");
    let mut short = curve("t", "o", 1);
    short.steps = [0, 20].into();
    short.losses.iter_mut().for_each(|losses| losses.truncate(2));
    let result = write(&path, &[curve("t", "o", 0), short.clone()], &metadata());
    assert!(matches!(result, Err(Error::InvalidCurve(_))), "{result:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    // As a slice it may be kept, and says so.
    write(&path, &[short], &slice_metadata("steps 0..20")).unwrap();
    let (found, curves) = read(&path).unwrap();
    assert_eq!((found.slice.as_deref(), &*curves[0].steps), (Some("steps 0..20"), &[0, 20][..]));
    let absent = dir.path().join("absent/curves.parquet");
    assert!(matches!(write(&absent, &[], &metadata()), Err(Error::Io { path, .. }) if path == absent));
}

#[test]
fn hidden_and_stray_files_do_not_stop_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    write(&path("part.PARQUET"), &[curve("t", "o", 0)], &metadata()).unwrap();
    std::fs::write(path("._part.parquet"), b"\0\x05\x16\x07").unwrap();
    std::fs::create_dir(path("folder.parquet")).unwrap();
    let reader = crate::open(dir.path()).unwrap();
    assert_eq!(reader.paths().collect::<Vec<_>>(), [path("part.PARQUET")]);
    assert_eq!(reader.left_out(), [(path("folder.parquet"), "a folder")]);
    assert_eq!(reader.read_all().unwrap().len(), 1);
    std::fs::remove_file(path("part.PARQUET")).unwrap();
    let message = crate::open(dir.path()).unwrap_err().to_string();
    assert!(
        message.contains("holds no curve file") && message.contains("folder.parquet is a folder"),
        "{message}"
    );
    let message = crate::open(&path("absent.parquet")).unwrap_err().to_string();
    assert!(message.contains("cannot open"), "{message}");
    #[cfg(unix)]
    if std::process::Command::new("mkfifo").arg(path("pipe.parquet")).status().is_ok_and(|s| s.success()) {
        let error = crate::open(&path("pipe.parquet")).unwrap_err();
        assert!(format!("{error:?}").contains("not a regular file"), "{error:?}");
    }
}

#[test]
fn files_of_the_old_schema_and_of_other_programs_are_not_called_damaged() {
    let old = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema_1.parquet"));
    let error = read(old).unwrap_err();
    assert!(matches!(error, Error::SchemaVersion { found: 1, supported: 2, .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("did not record mode") && !message.contains("damaged"), "{message}");

    let dir = tempfile::tempdir().unwrap();
    let check = |metadata: &[(&str, &str)], words: &[&str]| {
        let path = dir.path().join("other.parquet");
        other_program(&path, metadata);
        let message = read(&path).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert!(!message.contains("is damaged"), "{message}");
    };
    // Polars and DuckDB keep no metadata.
    check(&[], &["another-program", "the file that taskset-rs wrote"]);
    check(&[("taskset.schema_version", "3")], &["schema version 3", "reads version 2"]);
    check(&[("taskset.schema_version", "two")], &["`two`", "not a number"]);
    // pyarrow keeps the metadata of what it rewrites.
    let digest = "0".repeat(64);
    let pairs = [("taskset.schema_version", "2"), ("taskset.footer_digest", digest.as_str())];
    check(&pairs, &["another-program", "the file that taskset-rs wrote"]);
    check(&pairs[..1], &["another-program"]);
}

/// Writes the columns of a curve file as another program would.
fn other_program(path: &Path, metadata: &[(&str, &str)]) {
    use parquet::file::metadata::KeyValue;
    let pairs = metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()));
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_created_by("another-program 1.0".to_owned())
        .set_key_value_metadata(Some(pairs.collect()))
        .build();
    let batch = crate::schema::to_batch(&[curve("t", "o", 0)], &mut Default::default()).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn metadata_say_how_curves_came_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let odd = Metadata { machine: "é \"x\"\n".into(), threads: u32::MAX, ..metadata() };
    write(&path, &[], &odd).unwrap();
    assert_eq!(read(&path).unwrap(), (odd, Vec::new()));
}
