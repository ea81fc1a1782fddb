"""This package with the versions of Amazon MWAA's images; see :mod:`dev.mwaa.trial`."""
