"""The procedure, written a second time and otherwise: plainly, from its text, to hold the product against.

Nothing here imports `services`, nor the product's arithmetic; numbers stand as the procedure's page has them.
"""
