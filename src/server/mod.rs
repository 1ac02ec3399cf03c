//! The line server: HTTP, accounts, reports and yield on one database.
