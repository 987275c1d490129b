//! Scenarios of two agents on a simulated network, in virtual time.

mod connect;
mod hostile;
mod keep;
mod nominations;
mod operations;
mod restart;
mod sim;
