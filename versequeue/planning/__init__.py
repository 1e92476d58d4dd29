"""What `versequeue cost` and `versequeue plan` answer: a month's bill, and visitors' waits."""
