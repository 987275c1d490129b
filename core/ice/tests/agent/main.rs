//! Scenarios of two agents on a simulated network, in virtual time.

mod connect;
mod gather;
mod hostile;
mod keep;
mod names;
mod networks;
mod nominations;
mod operations;
mod pairs;
mod relay;
mod renomination;
mod restart;
mod servers;
mod sim;
mod streams;
mod tcp;
mod turn_server;
