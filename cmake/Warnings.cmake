# Designated initialisers leave the rest to the defaults on purpose.
# Warnings are errors on our targets only; third-party headers are SYSTEM.
# g++ 12 sees impossible sizes in std::string at -O3 (GCC bug 105651): three warnings are off for it.
add_library(headroom_warnings INTERFACE)
target_compile_options(headroom_warnings INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(headroom_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
  # The code that a sanitizer adds makes g++ 12 see uninitialised members of moved variants.
  if(HEADROOM_SANITIZE)
    target_compile_options(headroom_warnings INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
# libstdc++ 12's stable_sort uses what it calls deprecated itself.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(headroom_warnings INTERFACE -Wthread-safety -Wno-deprecated-declarations)
endif()
