//! The frame and its screens: what a person presses, and what is asked of the services.

mod shots;
mod world;
