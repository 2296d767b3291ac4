//! The binary as people meet it: real processes in temporary folders, on free ports.

mod admin;
mod catalog;
mod configuration;
mod databases;
mod getting;
mod killing;
mod licensing;
mod lifecycle;
mod operating;
mod shop;
mod tls;
mod traces;
mod verifying;
