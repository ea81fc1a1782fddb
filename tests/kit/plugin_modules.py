"""The modules of this package that loading the plugin imports; none of them does a task's work."""

# In the order of the alphabet. One more costs each task and each server some of its start.
PLUGIN_MODULES = [
    "ses_bounces",
    "ses_bounces.base",
    "ses_bounces.base.configuration",
    "ses_bounces.base.exceptions",
    "ses_bounces.base.sites",
    "ses_bounces.dags",
    "ses_bounces.dags.preload",
    "ses_bounces.plugin",
]
