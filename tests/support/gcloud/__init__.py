"""A gcloud without an account and without Google: it answers as gcloud 528.0.0 does.

`texts.py` is the table of what gcloud says, each row beside the service's answer that makes it say
so: `tests/deploy/test_gcloud.py` gives these answers to gcloud's own formatter. `cloud.py` is the
project in memory, `kinds.py` and `commands.py` are what each command needs and changes in it,
`answers.py` joins them, `program.py` is put on the path as `gcloud`. `visitors.py` is what somebody
meets who then calls the services.

What it cannot know is whether Google answers what the table says it answers.
"""
