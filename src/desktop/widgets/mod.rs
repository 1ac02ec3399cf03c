//! What screens are put together from. A widget knows egui, the theme and the domain, never the model.

pub mod badge;
pub mod button;
pub mod card;
pub mod dialog;
pub mod empty;
pub mod field;
pub mod icon;
pub mod sign;
pub mod toast;
