"""SciPy's convolution and correlation, faster, under SciPy's own names: `convcorr.scipy.signal`."""
