"""What `versequeue cost` and `versequeue plan` answer: a month's bill, and what visitors will wait.

Arithmetic over two JSON files, and a simulated fleet of workers. Knows no server and no job.
"""
