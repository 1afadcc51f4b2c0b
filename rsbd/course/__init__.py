"""What the course needs: exercises and figures by notebook, the scenes of the lecture, the files to copy."""
