//! Scenarios of two agents on a simulated network, in virtual time.

mod connect;
mod hostile;
mod keep;
mod restart;
mod sim;
