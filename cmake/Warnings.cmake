# Designated initialisers leave the rest to the defaults on purpose.
# Warnings are errors on our targets only; third-party headers are SYSTEM.
add_library(headroom_warnings INTERFACE)
target_compile_options(headroom_warnings INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(headroom_warnings INTERFACE -Wthread-safety)
endif()
