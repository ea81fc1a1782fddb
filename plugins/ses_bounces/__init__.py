"""Keep an Amazon SES sender's address list clean, from inside Airflow."""

__version__ = "0.2.0"
