//! Answers without a socket.
