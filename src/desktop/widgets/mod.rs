//! What screens are put together from. A widget knows egui, the theme and the domain, never the model.

pub mod icon;
pub mod sign;
