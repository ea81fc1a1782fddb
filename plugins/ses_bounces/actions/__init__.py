"""What administrators do: to addresses, to people's flag, to messages. Plain Python, for the pages and the JSON API.

Every action is one short transaction, says who and why, may be repeated, and answers for each target in words that
hold no address.
"""
