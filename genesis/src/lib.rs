//! Chain specification, keys and the files of a whole network.
