"""What is promised by whatever keeps jobs (`store`) and carries hints of them (`queue`).

Another host means another pair of modules in `backends/`, held to the same contract tests.
"""
