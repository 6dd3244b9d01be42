//! Predictions back to files.
