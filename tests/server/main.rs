//! The line server from outside: real sockets, real files, one binary.

mod access;
mod accounts;
mod audit;
mod chat;
mod cluster;
mod contract;
mod figures;
mod http;
mod live;
mod lockout;
mod mail;
mod page;
mod plant;
mod program;
mod queries;
mod reports;
mod samples;
mod sessions;
mod shapes;
mod socket_io;
mod storm;
mod tls;
mod users;
mod wire;
mod world;
mod yields;
