//! Which optimizer a problem file asks for, by name or by family and hyperparameters.

use serde_json::Value;
use taskset::optim::{self, Config, Family, Named};

use crate::commands::optimizers::unknown_family;

/// What the words of a problem file stand for.
pub(super) enum Asked {
    One(Named),
    Family(Family),
}

impl Asked {
    /// A name of an optimizer, in capital or small letters, or of a family or its default, where `-`, `_` and spaces make no
    /// difference either. In names of optimizers they do: some contain numbers with a minus sign.
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let error = match optim::named(text) {
            Ok(named) => return Ok(Self::One(named)),
            Err(error) => error,
        };
        let same = |name: &str| plain(name) == plain(text);
        let called = optim::families()
            .iter()
            .find(|info| same(info.name) || same(info.prefix) || info.set().is_some_and(same));
        if let Some(info) = called {
            return Ok(Self::Family(info.family));
        }
        let mut defaults = optim::families().iter().filter_map(optim::FamilyInfo::default_config);
        if let Some((name, _)) = defaults.find(|(name, _)| same(name)) {
            return Ok(Self::One(optim::named(&name)?));
        }
        optim::named(&text.trim().to_lowercase()).map(Self::One).map_err(|_| unknown_family(text, error))
    }

    pub(super) fn family(&self) -> Family {
        match self {
            Self::One(named) => named.family,
            Self::Family(family) => *family,
        }
    }

    /// Whether an optimizer is what was asked for.
    pub(super) fn is(&self, named: &Named) -> bool {
        match self {
            Self::One(asked) => asked.name == named.name,
            Self::Family(family) => *family == named.family,
        }
    }

    /// The configuration with these hyperparameters in place of its own ones, or of the family's defaults.
    pub(super) fn config(&self, hparams: &Value) -> anyhow::Result<Config> {
        let family = match self {
            Self::One(named) => return Ok(named.config.with_hyperparameters(hparams)?),
            Self::Family(family) => *family,
        };
        if let Some((_, default)) = family.info().default_config() {
            return Ok(default.with_hyperparameters(hparams)?);
        }
        match Config::from_hyperparameters(family, hparams) {
            Err(optim::Error::MissingHyperparameter { .. }) => {
                let names = family.info().space.iter().map(|dimension| dimension.name);
                let missing: Vec<&str> = names.filter(|name| hparams.get(name).is_none()).collect();
                anyhow::bail!(
                    "the family {family} has no default configuration, so all of its keys are needed; missing: {}",
                    missing.join(", ")
                )
            }
            result => Ok(result?),
        }
    }
}

/// A name without what people write in different ways.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', '_', ' '], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_spelling() {
        let family = |text: &str| match Asked::read(text) {
            Ok(Asked::Family(family)) => family.to_string(),
            Ok(Asked::One(named)) => named.name,
            Err(error) => format!("{error:#}"),
        };
        for text in ["schedule_free_adamw", "schedulefree_adamw", "ScheduleFree-AdamW", "Schedule Free AdamW"]
        {
            assert_eq!(family(text), "schedule_free_adamw");
        }
        assert_eq!(family("SGD"), "sgd");
        assert_eq!(family("adam8p_wide_grid_1k"), "adam8p");
        assert_eq!(family("Muon-Default"), "muon_default");
        assert_eq!(family("NAdamW_grid_seed3"), "nadamw_grid_seed3");
        assert_eq!(family("adam_lr_-3.00"), "adam_lr_-3.00");
        assert_eq!(family("Adam_LR_-7.00"), "adam_lr_-7.00");
        assert_eq!(family("Adam_LR_-1.00"), "adam_lr_-1.00");
        for other in ["adam_lr_3.00", "adamlr-3.00", "muon_seed1-2", "nadamw_grid_seed-5", "sgd_seed 1 2"] {
            assert!(family(other).contains(' '), "{other} names nothing: {}", family(other));
        }
        assert!(family("lambb").contains("lamb"), "{}", family("lambb"));
        assert!(family("soap").contains("the families are"), "{}", family("soap"));
    }
}
