"""Tables, migrations, statements and connections."""
