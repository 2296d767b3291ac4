//! The list of what is good no more.
