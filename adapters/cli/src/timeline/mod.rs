//! What happened to a policy, as a picture: in text, and as SVG. One lane for the mode, one for each call at
//! a time, one for handshakes that no call waits for, and one for how attempts and calls ended.

mod kinds;
mod model;
mod rows;
mod scale;
mod svg;
mod text;

pub(crate) use model::Timeline;
