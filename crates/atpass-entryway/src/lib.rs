//! One authorization server before many unmodified PDSes.
