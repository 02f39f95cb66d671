//! Servers that nobody here wrote, which `tests/wild/peers/install` gets: mocks of the Responses API, a
//! gateway, and WebSocket libraries with their heartbeats.

mod aimock;
mod guest;
mod heartbeats;
mod litellm;
mod llmock;
