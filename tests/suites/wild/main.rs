//! Proxies that nobody here wrote: nginx and haproxy in front of a server, squid, tinyproxy and a SOCKS
//! server on the way out. And servers that nobody here wrote: mocks, a gateway, WebSocket libraries. A
//! program that this machine has not got is skipped, and said so.

#[macro_use]
extern crate failback_tests;

mod case;
mod certificates;
mod doctor;
#[path = "../doctor/report.rs"]
mod doctor_report;
mod front;
mod front_tls;
mod outward;
mod peers;
mod program;
mod socks;
mod table;
