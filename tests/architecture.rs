//! The floors: who may name what.
