//! The one door for YAML that people write.
