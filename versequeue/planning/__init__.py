"""What a month costs and how a day of load goes: prices, measured times, a simulated fleet.

Arithmetic over two JSON files. Knows no server and no job.
"""
