//! duologue against other implementations, in memory and in virtual time. All of it is tests; their
//! dependencies are heavy, which is why they live in a crate of their own.
