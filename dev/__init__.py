"""The local stack: PostgreSQL, an AWS emulator, sample mail and Airflow, all on the loopback interface."""
