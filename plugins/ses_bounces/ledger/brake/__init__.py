"""The brake on new blocks: its limit, what it holds, and who decides about that."""
