"""The corridor: record → measure → judge → attest → render → seal, and the way back, verify.

Each step reads files and writes files, so that one machine may measure, another judge and sign, and anyone verify.
"""
