//! Outcomes said out loud: so far, how names are quoted.

pub mod quote;
