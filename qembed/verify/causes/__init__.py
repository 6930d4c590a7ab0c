"""Why a layer is wrong: candidates of one kind in each module, tried on the desk."""
