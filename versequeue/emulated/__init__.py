"""`versequeue up --backend emulators`: the deployment's processes on Google's own emulators."""
