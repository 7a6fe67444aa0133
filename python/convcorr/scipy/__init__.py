"""SciPy's functions of the same names, faster: `convcorr.scipy.signal` and `convcorr.scipy.ndimage`, without SciPy."""
