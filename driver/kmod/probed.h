/* Made by Kbuild from compat/. */
/* SF_HAVE_EXIT_GROUP_DEAD: no */
/* SF_HAVE_VM_FLAGS_SET: no */
