"""How any list is selected, ordered, sampled and paged."""
