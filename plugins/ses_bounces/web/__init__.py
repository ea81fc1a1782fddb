"""The administrators' pages and the JSON API: who may do what, and how it looks. What is done is in ``actions``."""
