//! Whole-system tests: process networks, faults and checkers.
