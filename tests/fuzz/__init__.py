"""Any bytes at all, by the million: nothing that comes in may stop, stall or fill the gate."""
