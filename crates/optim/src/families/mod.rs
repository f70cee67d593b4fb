//! The families, one file each; [`crate::families`] lists them.

mod adagrad;
mod adam1p;
mod adam4p;
mod adam6p;
mod adam8p;
pub(crate) mod adam_search_ranges;
mod adamw;
mod lamb;
mod learning_rate_grids;
mod muon;
mod nadamw;
mod schedule_free_adamw;
mod sgd;
mod zero;

pub use adagrad::Adagrad;
pub use adam1p::Adam1p;
pub use adam4p::Adam4p;
pub use adam6p::Adam6p;
pub use adam8p::Adam8p;
pub use adamw::AdamW;
pub use lamb::Lamb;
pub use learning_rate_grids::{AdagradLr, AdamLr};
pub use muon::{Muon, MuonScale, MuonTensors};
pub use nadamw::Nadamw;
pub use schedule_free_adamw::ScheduleFreeAdamW;
pub use sgd::Sgd;
pub use zero::Zero;
